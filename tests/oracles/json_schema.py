"""The part of JSON Schema (draft 2020-12) that docs/schemas uses, checked the slow way."""

import re

TYPES = {
    "object": dict,
    "string": str,
    "integer": int,
    "null": type(None),
}
NOTES = {"$schema", "title", "description", "$defs"}


def faults(value, schema, root=None, place="$"):
    """What of `value` breaks `schema`; a keyword that is not known here is an error."""
    root = root or schema
    found = []
    for keyword, rule in schema.items():
        match keyword:
            case "$ref":
                target = root
                for part in rule.removeprefix("#/").split("/"):
                    target = target[part]
                found += faults(value, target, root, place)
            case "type":
                kinds = [rule] if isinstance(rule, str) else rule
                if type(value) not in [TYPES[kind] for kind in kinds]:
                    found.append(f"{place}: {value!r} is not {rule}")
            case "const":
                found += [f"{place}: not {rule}"] * (value != rule)
            case "enum":
                found += [f"{place}: {value!r} not in {rule}"] * (value not in rule)
            case "pattern" if isinstance(value, str):
                found += [f"{place}: {value!r} not like {rule}"] * (not re.search(rule, value))
            case "minimum" if isinstance(value, int):
                found += [f"{place}: {value} < {rule}"] * (value < rule)
            case "maximum" if isinstance(value, int):
                found += [f"{place}: {value} > {rule}"] * (value > rule)
            case "required" if isinstance(value, dict):
                found += [f"{place}: {name} is missing" for name in rule if name not in value]
            case "additionalProperties" if isinstance(value, dict):
                assert rule is False
                extra = value.keys() - schema["properties"].keys()
                found += [f"{place}: {name} is too much" for name in sorted(extra)]
            case "properties" if isinstance(value, dict):
                for name in rule.keys() & value.keys():
                    found += faults(value[name], rule[name], root, f"{place}.{name}")
            case "pattern" | "minimum" | "maximum" | "required" | "properties":
                pass  # says nothing of a value of another type
            case "additionalProperties":
                pass
            case _:
                assert keyword in NOTES, f"{keyword} is not known here"
    return found
