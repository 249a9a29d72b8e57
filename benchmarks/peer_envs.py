"""Steps of CityLearn and of EnvPool's CartPole; see ``bench_peers``."""

from collections.abc import Callable
from functools import cache
from typing import Any

from benchmarks.serving import serve


@cache
def citylearn(schema: str) -> Any:
    """CityLearn on a data set of ours."""
    from citylearn.citylearn import CityLearnEnv

    return CityLearnEnv(schema, offline=True)


@cache
def envpool(count: int) -> Any:
    """EnvPool's CartPole, so many of them on one thread."""
    import envpool

    envs = envpool.make_gymnasium("CartPole-v1", num_envs=count, num_threads=1)
    envs.reset()
    return envs


def prepare(name: str, what: Any, steps: int) -> Callable[[], None]:
    """Random steps, drawn beforehand: of CityLearn with a reset first, EnvPool resets by itself."""
    import numpy as np

    rng = np.random.default_rng(0)
    if name == "citylearn":
        env = citylearn(what)
        spaces = env.action_space
        actions = [[space.sample() for space in spaces] for _ in range(steps)]

        def task() -> None:
            env.reset()
            for action in actions:
                env.step(action)

    else:
        envs = envpool(what)
        choices = rng.integers(0, 2, (64, what)).astype(np.int32)

        def task() -> None:
            for k in range(steps):
                envs.step(choices[k % 64])

    return task


if __name__ == "__main__":
    serve(prepare)
