"""What all pages do with texts."""

from casnet_cli.reports.html import _templates


def test_names_are_text_that_acts_on_nothing() -> None:
    page = _templates.from_string("<b>{{ name }}</b>{{ number }}{{ 'fixed' }}")
    shown = page.render(name="<i>a</i>\n\u202eb\x1b\udce9", number=3)
    assert shown == r"<b>&lt;i&gt;a&lt;/i&gt;\n\u202eb\x1b\udce9</b>3fixed"
