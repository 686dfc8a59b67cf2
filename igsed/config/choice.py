"""A section that chooses a component: `{kind: folder, path: …}`, the component's name and its own settings."""

import functools
from typing import Annotated, Any, Literal, Union, get_args

from pydantic import Field, create_model
from pydantic.fields import FieldInfo
from pydantic_core import core_schema

from igsed.components import Family
from igsed.errors import InputError
from igsed.settings import Section

PATH = r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$"
"""What `package.module:name` looks like."""


class Choice:
    """Annotation of a key whose value is checked by the settings of the component that it names.

    The checked value is an object of the component's settings with one more field, which holds the name as it was
    given, and the attribute `component`. A component that is named as `package.module:name` is imported for it.

    Parameters
    ----------
    family : igsed.components.Family
    key : str
        The key that holds the component's name, such as "kind".
    """

    def __init__(self, family: Family, key: str):
        self.family, self.key = family, key
        self.model = functools.cache(self._model)
        self.named: type[Section] = create_model("Named", __base__=Section, **{key: (str, ...)})  # type: ignore[call-overload]

    def _model(self, name: str) -> type[Section]:
        """The model of a section that names this component.

        Raises
        ------
        InputError
            There is no such component.
        """
        component: Any = self.family.find(name)
        field = (Literal[name], Field(description=component.title))
        create: Any = create_model  # mypy takes what it makes for a class of its own
        named = create("Named", __base__=Section, **{self.key: field})
        model = create(
            f"{component.name}_{self.family.word}",
            __base__=(component.settings, named),
            __module__=component.settings.__module__,
            __doc__=component.settings.__doc__,
        )
        model.component = component
        return model

    def default(self, name: str) -> Any:
        """What an experiment has that sets nothing: a component with the defaults of its settings."""
        return self.model(name).model_validate({self.key: name})

    def of(self, values: Any) -> type[Section] | None:
        """The model of the component that a section names; None where it names none."""
        name = values.get(self.key) if isinstance(values, dict) else None
        try:
            return self.model(name) if isinstance(name, str) else None
        except InputError:
            return None

    def __get_pydantic_core_schema__(self, source, handler):
        models = tuple(self.model(name) for name in self.family.built_in)
        described = handler.generate_schema(Annotated[Union[models], Field(discriminator=self.key)])  # noqa: UP007
        return core_schema.no_info_wrap_validator_function(
            self._checked,
            described,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda value, info: value.model_dump(mode=info.mode), info_arg=True
            ),
        )

    def __get_pydantic_json_schema__(self, schema, handler):
        described = handler(schema)
        described.pop("discriminator")
        elsewhere = {"type": "string", "pattern": PATH, "description": "`package.module:name` of one of your own"}
        described["oneOf"].append({"type": "object", "properties": {self.key: elsewhere}, "required": [self.key]})
        return described

    def _checked(self, values, _handler):
        if isinstance(values, Section):
            return values
        chosen = {key: values[key] for key in values if key == self.key} if isinstance(values, dict) else values
        name = getattr(self.named.model_validate(chosen), self.key)
        try:
            model = self.model(name)
        except InputError as error:
            raise ValueError(f"{self.key}: {error}".removesuffix(".")) from None
        return model.model_validate(values)


def choice_of(field: FieldInfo) -> Choice | None:
    """The choice that a key of a section is, if it is one."""
    annotated = (get_args(option) for option in get_args(field.annotation))
    return next(
        (each for each in (*field.metadata, *(m for ms in annotated for m in ms)) if isinstance(each, Choice)), None
    )
