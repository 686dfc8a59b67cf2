"""The sections of detectors."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from igsed.settings import Count, Section


class IntegratedGradients(Section):
    """Integrated Gradients of the paper's setting (`ig`): waveform input, zero waveform as baseline, logit as target.

    Computed by an engine of igsed's own at the mel spectrum; `ig_captum` is the same integral by Captum.
    """

    nodes: Annotated[int, Field(ge=1)] = Field(16, description="pieces of the path from silence to the clip, at first")
    tolerance: Annotated[float, Field(gt=0)] | None = Field(
        0.15, description="estimated relative error of the frame scores above which pieces are doubled; null: never"
    )
    max_nodes: Annotated[int, Field(ge=1)] = Field(256, description="pieces of the path, at most")

    @model_validator(mode="after")
    def _possible(self):
        if self.max_nodes < self.nodes:
            raise ValueError(f"max_nodes: {self.max_nodes} is below nodes, {self.nodes}; raise it")
        return self


class CaptumIntegratedGradients(Section):
    """Integrated Gradients by Captum (`ig_captum`), with the paper's 50 steps: the reference, and slower."""

    steps: Annotated[int, Field(ge=2)] = Field(50, description="points on the path from silence to the clip")
    rule: Literal["gausslegendre", "riemann_middle", "riemann_trapezoid"] = Field(
        "gausslegendre", description="Captum's integration method"
    )
    batch: Count = Field(5, description="points per forward and backward pass")


class Attribution(Section):
    """An attribution method of your own. The code that it names is imported and run."""

    function: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")] = Field(
        description="`package.module:callable`"
    )
    options: dict[str, Any] = Field({}, description="keyword arguments for the callable")
