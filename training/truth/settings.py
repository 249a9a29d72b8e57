"""All settings, in the order of the table."""

from training.truth import battery, bilateral, many, mcafee, pivotal, supply, zero_intelligence
from training.truth.checks import Setting

SETTINGS: dict[str, Setting] = {
    setting.name: setting
    for module in (bilateral, many, mcafee, zero_intelligence, pivotal, battery, supply)
    for setting in module.SETTINGS
}
