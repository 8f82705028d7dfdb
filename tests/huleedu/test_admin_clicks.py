"""Whatever support can click in the admin leads somewhere, as browsers resolve it, and does what it says."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from lxml import html

from batches.models import Batch
from files.models import FileUpload
from huleedu.account_models import PasswordLink
from huleedu.accounts.life import create_account
from huleedu.erasure import Erasure
from huleedu.models import ApiToken, DeadLetter, LoggedEvent, OutboxMessage, WorkItem
from tests.pipeline import Pipeline

HERE = "http://testserver"
LINKS = "//a/@href | //link/@href | //script/@src | //img/@src | //iframe/@src"
BUTTONS = ".//button[not(@type) or @type='submit'] | .//input[@type='submit' or @type='image']"


@dataclass(frozen=True)
class Press:
    """A form as it is sent by one of its buttons."""

    page: str
    method: str
    address: str
    values: tuple[tuple[str, str], ...]
    label: str

    def send(self, client: Client) -> Any:
        """The answer, at the end of all redirects."""
        data: dict[str, list[str]] = {}
        for name, value in self.values:
            data.setdefault(name, []).append(value)
        send = client.get if self.method == "GET" else client.post
        return send(self.address, data, follow=True)


@dataclass
class Page:
    """A page as its browser has it."""

    address: str
    tree: Any

    def links(self) -> list[str]:
        """Where it leads, here."""
        found = [urljoin(self.address, link) for link in self.tree.xpath(LINKS)]
        return [link.split("#")[0] for link in found if link.startswith(HERE)]

    def presses(self) -> Iterator[Press]:
        """Every form by each of its buttons; the forms of lists for each action on the first row."""
        for form in self.tree.forms:
            values = list(form.form_values())
            for choice in self.choices(form) or [[]]:
                for button in form.xpath(BUTTONS):
                    yield self.press(form, button, [*values, *choice])

    def choices(self, form: Any) -> list[list[tuple[str, str]]]:
        """What can be done to the first row of a list."""
        rows = form.xpath(".//input[@name='_selected_action']/@value")
        names = form.xpath(".//select[@name='action']/option[@value!='']/@value")
        return [[("action", name), ("_selected_action", row)] for name in names for row in rows[:1]]

    def press(self, form: Any, button: Any, values: list[tuple[str, str]]) -> Press:
        """One form by one button."""
        target = button.get("formaction") or form.get("action") or ""
        method = (button.get("formmethod") or form.get("method") or "get").upper()
        if button.get("name"):
            values = [*values, (button.get("name"), button.get("value") or "")]
        kept = [(name, value) for name, value in values if name != "action" or value]
        label = (button.text_content() or button.get("value") or "").strip()
        return Press(self.address, method, urljoin(self.address, target), tuple(kept), label)

    def button(self, label: str) -> Press:
        """The one button that says ``label``."""
        (found,) = [press for press in self.presses() if press.label == label]
        return found


@dataclass
class Visitor:
    """Opens every page that can be reached, once for each address without the values in its query."""

    client: Client
    pages: list[Page] = field(default_factory=list)
    seen: set[tuple[str, frozenset[str]]] = field(default_factory=set)

    def visit(self, *starts: str) -> None:
        """Follow every link from ``starts``."""
        waiting = [urljoin(HERE, start) for start in starts]
        while waiting:
            address = waiting.pop()
            parts = urlsplit(address)
            key = (parts.path, frozenset(parse_qs(parts.query, keep_blank_values=True)))
            if key in self.seen or not parts.path.startswith(("/admin/", "/static/admin")):
                continue
            self.seen.add(key)
            page = self.open(address)
            if page is not None:
                self.pages.append(page)
                # Filters, sorting and facets lead from one another to all their combinations.
                waiting += [link for link in page.links() if not (parts.query and "?" in link)]

    def open(self, address: str) -> Page | None:
        """The page, or None for anything else; whatever it is, it is there."""
        answer = self.client.get(address, follow=True)
        assert answer.status_code < 400, (address, answer.status_code)
        content = answer.getvalue()
        if not answer.headers["Content-Type"].startswith("text/html"):
            return None
        final = answer.redirect_chain[-1][0] if answer.redirect_chain else address
        return Page(urljoin(address, final), html.fromstring(in_ascii(content)))

    def presses(self) -> list[Press]:
        """Every different button on the pages, signing out last."""
        found = {
            press.address + press.label + str(press.values[1:]): press
            for page in self.pages
            for press in page.presses()
        }
        return sorted(found.values(), key=lambda press: "logout" in press.address)


def in_ascii(content: bytes) -> bytes:
    """The page with references for other letters: that it is UTF-8 only its header says."""
    return content.decode().encode("ascii", "xmlcharrefreplace")


@pytest.fixture
def visitor(desk: Client, batch: Batch) -> Visitor:
    return Visitor(desk)


def row_page(visitor: Visitor, row: Any, query: str = "") -> Page:
    """The page of one row."""
    options = row._meta
    name = f"admin:{options.app_label}_{options.model_name}_change"
    page = visitor.open(urljoin(HERE, reverse(name, args=[row.pk])) + query)
    assert page is not None
    return page


@pytest.mark.parametrize("language", ["en", "sv"])
def test_every_link_and_every_button_leads_somewhere(visitor: Visitor, language: str) -> None:
    visitor.client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    visitor.visit("/admin/")
    paths = {urlsplit(page.address).path for page in visitor.pages}
    assert len(paths) > 40
    assert any("/trace/" in path for path in paths) and any("/history/" in path for path in paths)
    presses = visitor.presses()
    assert len([press for press in presses if "/do/" in press.address]) >= 4
    for press in presses:
        answer = press.send(visitor.client)
        assert answer.status_code < 400, press
        assert (
            press.method == "GET" or "/login/" not in str(answer.redirect_chain) or "logout" in press.address
        )
    assert not visitor.client.session.get("_auth_user_id")  # the last one signed out


def test_the_chief_finds_every_link(client: Client, batch: Batch) -> None:
    client.force_login(User.objects.create_superuser("chief", password="correct horse battery"))
    visitor = Visitor(client)
    visitor.visit("/admin/")
    assert any("/auth/user/" in page.address for page in visitor.pages)


@pytest.fixture
def chief(client: Client, batch: Batch) -> Visitor:
    """An administrator's browser; the batch belongs to the teacher."""
    client.force_login(create_account("administrator", "chief", "correct horse battery"))
    return Visitor(client)


def test_every_link_and_every_button_of_an_administrator_leads_somewhere(chief: Visitor) -> None:
    chief.visit("/admin/")
    accounts = [page for page in chief.pages if "/auth/user/" in page.address]
    buttons = [press for page in accounts for press in page.presses() if press.method == "POST"]
    assert len({press.label for press in buttons}) > 8
    for press in chief.presses():
        assert press.send(chief.client).status_code < 400, press


# Of a teacher's page, in an order in which each shows; what is then in the database.
ACCOUNT_BUTTONS: list[tuple[str, Callable[[User], bool]]] = [
    ("Make a link", lambda user: PasswordLink.objects.filter(user=user).count() == 1),
    ("Sign out everywhere", lambda user: not ApiToken.objects.filter(owner=user, revoked_at=None).exists()),
    ("Take away the second factor", lambda user: not Authenticator.objects.filter(user=user).exists()),
    ("Disconnect from the school’s account", lambda user: not SocialAccount.objects.filter(user=user)),
    ("Close", lambda user: not user.is_active),
    ("Reopen", lambda user: user.is_active),
    ("Delete", lambda user: Erasure.objects.undoable().filter(owner_id=user.pk).exists()),
    ("Keep after all", lambda user: user.is_active and not Erasure.objects.undoable().exists()),
]


@pytest.mark.parametrize("in_list", [False, True])
def test_every_button_of_an_account_does_what_it_says(chief: Visitor, teacher: User, in_list: bool) -> None:
    Authenticator.objects.create(user=teacher, type="totp", data={})
    SocialAccount.objects.create(user=teacher, provider="school", uid="1")
    for label, is_done in ACCOUNT_BUTTONS:
        if in_list and label == "Make a link":  # made one by one
            continue
        press = action(chief, teacher, label) if in_list else row_page(chief, teacher).button(label)
        said = press.send(chief.client).content.decode()
        teacher.refresh_from_db()
        assert f"{label}: Done for 1." in said and is_done(teacher), label
        if label not in STAYING and not in_list:
            assert label not in [each.label for each in row_page(chief, teacher).presses()]


STAYING = {"Make a link", "Sign out everywhere", "Take away the second factor"}  # can be done again


def action(visitor: Visitor, row: Any, label: str) -> Press:
    """The action of a list that says ``label``, on ``row``."""
    options = row._meta
    name = f"admin:{options.app_label}_{options.model_name}_changelist"
    page = visitor.open(urljoin(HERE, reverse(name)))
    assert page is not None
    (chosen,) = page.tree.xpath(f"//select[@name='action']/option[text()='{label}']/@value")
    values = (("action", chosen), ("_selected_action", str(row.pk)))
    return Press(page.address, "POST", page.address, values, label)


FILTERS = "?_changelist_filters=status%3Ddead%26q%3D"


@pytest.mark.parametrize("query", ["", FILTERS, "?x=1"])
def test_replay_replays(visitor: Visitor, support: User, query: str) -> None:
    letter = DeadLetter.objects.get()
    press = row_page(visitor, letter, query).button("Replay")
    answers = [press.send(visitor.client) for _ in range(2)]  # a double click
    letter.refresh_from_db()
    assert (letter.status, letter.handled_by_id) == ("replayed", support.pk)
    assert OutboxMessage.objects.filter(event_id=letter.event_id).count() == 1
    assert "It is being tried again." in answers[0].content.decode()
    assert "Nothing is left to be done" in answers[1].content.decode()
    assert "being tried again" not in answers[1].content.decode()
    final = answers[0].redirect_chain[-1][0]
    assert final.endswith("/change/" + (query if query == FILTERS else ""))


def test_discard_discards(visitor: Visitor, support: User) -> None:
    letter = DeadLetter.objects.get()
    page = row_page(visitor, letter)
    assert "It is put aside" in page.button("Discard").send(visitor.client).content.decode()
    letter.refresh_from_db()
    assert (letter.status, letter.handled_by_id) == ("discarded", support.pk)
    assert not OutboxMessage.objects.filter(event_id=letter.event_id).exists()
    after = row_page(visitor, letter)
    assert not [press for press in after.presses() if "/do/" in press.address]


def test_revoke_revokes(visitor: Visitor) -> None:
    token = ApiToken.objects.get()
    said = row_page(visitor, token).button("Revoke").send(visitor.client).content.decode()
    assert "The token is ended" in said
    token.refresh_from_db()
    first = token.revoked_at
    assert first is not None
    assert not [press for press in row_page(visitor, token).presses() if "/do/" in press.address]


def test_reprocess_reads_again_and_the_check_runs_again(
    visitor: Visitor, batch: Batch, pipeline: Pipeline
) -> None:
    WorkItem.objects.all().delete()
    failed = batch.files.get(status="failed")
    press = row_page(visitor, failed).button("Reprocess: read the file again")
    assert "The file is being read again." in press.send(visitor.client).content.decode()
    pipeline.run()
    failed.refresh_from_db()
    assert failed.revision == 1
    good = batch.files.get(status="assigned")
    row_page(visitor, good).button("Run the spelling check again").send(visitor.client)
    pipeline.run()
    assert LoggedEvent.objects.filter(event_type="SpellcheckCompleted", batch_id=batch.pk).count() == 2


def test_a_double_click_on_reprocess_is_plain(visitor: Visitor, batch: Batch, pipeline: Pipeline) -> None:
    WorkItem.objects.all().delete()
    failed = batch.files.get(status="failed")
    press = row_page(visitor, failed).button("Reprocess: read the file again")
    assert [press.send(visitor.client).status_code for _ in range(2)] == [200, 200]
    pipeline.run()
    failed.refresh_from_db()
    assert failed.status == "failed" and failed.revision in {1, 2}


def test_nobody_else_can_press_them(visitor: Visitor, batch: Batch, teacher: User) -> None:
    rows = [DeadLetter.objects.get(), ApiToken.objects.get(), batch.files.earliest("created_at")]
    presses = [press for row in rows for press in row_page(visitor, row).presses() if "/do/" in press.address]
    assert len(presses) == 5
    temporary = User.objects.create_user("temp", password="correct horse battery", is_staff=True)
    before = everything()
    for user, statuses in ((teacher, {302}), (temporary, {403})):
        visitor.client.force_login(user)
        for press in presses:
            answer = visitor.client.post(press.address, dict(press.values))
            assert answer.status_code in statuses, press
    assert everything() == before


def everything() -> list[Any]:
    """What the buttons could change."""
    rows = (DeadLetter.objects, ApiToken.objects, FileUpload.objects, WorkItem.objects)
    return [list(each.order_by("pk").values()) for each in rows]
