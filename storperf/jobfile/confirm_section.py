"""The keys of `confirm`: what a suspicion leads to."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, WithJsonSchema, model_validator

from storperf.jobfile import scalars
from storperf.jobfile.section import Section, key
from storperf.model.ending import ConfirmWhen
from storperf.units import parse_duration_s

_WORDS = WithJsonSchema({"type": "string", "enum": [when.value for when in ConfirmWhen]})


class ConfirmSection(Section):
    """What is measured afresh before a verdict; a plain word is `when`."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_extra={"type": ["object", "string"]}
    )

    when: Annotated[ConfirmWhen, BeforeValidator(scalars.word(*ConfirmWhen)), _WORDS] = key(
        "`auto`: measure the steps afresh that the comparison with the baseline found suspicious: "
        "in pairs with the `reference` where there is one, else twice more. `always`: measure "
        "pairs in every run; needs a `reference`. `never`: leave a suspicion inconclusive.",
        ConfirmWhen.AUTO,
        shown="auto",
    )
    at_most: scalars.ConfirmDuration = key(
        "The most time that such trials may measure. 1h by default: eight pairs of three steps at "
        "60s each. What is not decided by then is inconclusive.",
        parse_duration_s("1h"),
        shown="1h",
    )

    @model_validator(mode="before")
    @classmethod
    def _plain_word(cls, value: Any) -> Any:
        return {"when": value} if isinstance(value, str) else value
