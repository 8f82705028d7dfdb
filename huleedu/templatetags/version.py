"""The version, for whoever is asked which one runs."""

from django import template

from huleedu.machine.release import release

register = template.Library()


@register.simple_tag
def version() -> str:
    """Such as "HuleEdu 0.2.0"."""
    return f"HuleEdu {release()}".strip()
