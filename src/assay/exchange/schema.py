"""The JSON Schema of `evaluation.json`."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from assay.model.evaluation import Evaluation

_MEASURES = {
    "type": "object",
    "description": (
        "Measures by dotted name, each step of the name one object: `hardening.pie.share` is the "
        "member `share` of `pie` of `hardening`. A number, a set of texts, or null where it was "
        "*not measured*. `measure_list` tells unit and meaning of each."
    ),
    "additionalProperties": {
        "anyOf": [
            {"$ref": "#/$defs/Measures"},
            {"type": "number"},
            {"type": "array", "items": {"type": "string"}},
            {"type": "null"},
        ]
    },
}


class _Written(GenerateJsonSchema):
    """Members with a default are written too: a reader may rely on every one of them."""

    def field_is_required(self, *_: Any, **__: Any) -> bool:
        return True


def evaluation_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12, of evaluations as they are written."""
    schema = Evaluation.model_json_schema(
        by_alias=True, mode="serialization", schema_generator=_Written
    )
    schema["$defs"]["Measures"] = _MEASURES
    schema["properties"]["measures"] = {"$ref": "#/$defs/Measures"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:assay:schema:evaluation:1",
        **schema,
        "title": "Assay evaluation",
    }
