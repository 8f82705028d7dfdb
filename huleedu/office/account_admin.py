"""Accounts in the admin, for administrators: made, changed, limited, closed, handed over, by actions."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrPromise

from files.actions.handing_over import hand_over
from huleedu.accounts import life as accounts
from huleedu.accounts.life import LARGEST, Limits, Role, role_of
from huleedu.accounts.links import address_of_link
from huleedu.answers.pages import SeeOther
from huleedu.models import Usage
from huleedu.security.recorded import acting_user
from huleedu.support.account_deeds import DEEDS, MAY, of_others
from huleedu.support.base import ActingAdmin

ROLE_WORDS: dict[Role, Promise | str] = {
    "teacher": _("teacher"),
    "support": _("support"),
    "administrator": _("administrator"),
}

admin.site.unregister(User)
admin.site.unregister(Group)


class NewAccountForm(forms.ModelForm[User]):
    """What a new account is called, and what it may do."""

    role = forms.ChoiceField(label=_("Role"), choices=list(ROLE_WORDS.items()))

    class Meta:
        model = User
        fields = ("username", "email")


def limit_field(label: StrPromise, most: int | None) -> forms.IntegerField:
    """A limit of one teacher."""
    return forms.IntegerField(label=label, min_value=0, max_value=most, required=False)


class AccountForm(forms.ModelForm[User]):
    """Name, address, role, limits, and to whom all batches shall go."""

    role = forms.ChoiceField(
        label=_("Role"),
        choices=list(ROLE_WORDS.items()),
        help_text=_("When it changes, its owner is signed out, and tokens end. Batches stay."),
    )
    most_bytes = limit_field(_("Bytes kept"), LARGEST.most_bytes)
    most_files = limit_field(_("Files a day"), LARGEST.most_files)
    most_batches = limit_field(_("Batches a day"), LARGEST.most_batches)
    hand_over_to = forms.CharField(
        label=_("Give all batches to"),
        required=False,
        help_text=_(
            "The user name of a colleague. Batches in the bin go along and can be restored until their day; "
            "nothing else of the account does."
        ),
    )

    class Meta:
        model = User
        fields = ("username", "email")

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.initial["role"] = role_of(self.instance)
        usage = Usage.objects.filter(owner=self.instance).first()
        for name in vars(Limits()):
            self.fields[name].help_text = _("Empty: as for all teachers.")
            self.initial[name] = getattr(usage, name, None)

    def clean_hand_over_to(self) -> User | None:
        """The colleague, or None."""
        name = self.cleaned_data["hand_over_to"]
        found = User.objects.filter(username=name, is_active=True).exclude(pk=self.instance.pk).first()
        if name and found is None:
            raise ValidationError(_("There is no open account of that name."))
        return found


@admin.register(User)
class AccountAdmin(ActingAdmin[User]):
    """Accounts. Superusers, made from a shell, are changed by superusers alone."""

    list_display = ("username", "shown_role", "is_active", "last_login", "email")
    list_filter = ("is_active", "is_staff")
    ordering = ("username",)
    text_search = ("username", "email")
    search_help_text = _("A whole user name, or an address")
    add_form_template = "admin/change_form.html"
    deeds = DEEDS

    @admin.display(description=_("role"))
    def shown_role(self, user: User) -> str:
        """Teacher, support or administrator."""
        return str(ROLE_WORDS[role_of(user)])

    def get_queryset(self, request: HttpRequest) -> Any:
        """Those that the signed-in person may look after."""
        users = super().get_queryset(request).prefetch_related("groups")
        return users if request.user.is_superuser else users.filter(is_superuser=False)

    def has_add_permission(self, request: HttpRequest, *_more: Any) -> bool:
        """Administrators may make accounts."""
        return request.user.has_perm("auth.add_user")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """And change them."""
        return request.user.has_perm(MAY)

    def get_form(self, request: HttpRequest, obj: User | None = None, change: bool = False, **_: Any) -> Any:
        """One form for a new account, another for one that is there."""
        return AccountForm if obj else NewAccountForm

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """What the forms have."""
        if obj is None:
            return [(None, {"fields": ["username", "email", "role"]})]
        return [
            (None, {"fields": ["username", "email", "role"]}),
            (_("Limits of this teacher"), {"fields": ["most_bytes", "most_files", "most_batches"]}),
            (_("Handing over"), {"fields": ["hand_over_to"]}),
        ]

    def changeform_view(self, request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
        """The form; what was right when it was looked at, and no longer when it was done, is told."""
        try:
            return super().changeform_view(request, *arguments, **named)
        except IntegrityError:
            messages.error(request, _("There is already an account of that name. Choose another one."))
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return SeeOther(request.get_full_path())

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> User:
        """The account as the form says, not saved."""
        user: User = form.instance
        return user

    def save_model(self, request: HttpRequest, user: User, form: Any, change: bool) -> None:
        """Do what the form says by actions, each only if it changes something."""
        said = form.cleaned_data
        if not change:
            made = accounts.create_account(said["role"], said["username"], None, said["email"])
            user.pk = made.pk
            self.show_link(request, made)
            return
        before = User.objects.get(pk=user.pk)
        if before.username != said["username"]:
            accounts.rename(before, said["username"])
        if before.email != said["email"]:
            accounts.set_email(before, said["email"])
        if role_of(before) != said["role"]:
            of_others(lambda user: accounts.set_role(user, said["role"]))(before, acting_user(request))
        limits = Limits(*(said[name] for name in vars(Limits())))
        if any(name in form.changed_data for name in vars(Limits())):
            accounts.set_limits(before, limits)
        if said["hand_over_to"]:
            done = hand_over(before, said["hand_over_to"])
            told = _("Handed over %(batches)s batches, %(binned)s of them in the bin.")
            messages.success(request, told % done._asdict())

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing else belongs to it."""

    def do_to_one(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """A pressed button; a link is shown in the answer."""
        user = self.get_object(request, object_id)
        if name == "link" and request.method == "POST" and user is not None:
            if name not in self.allowed(request):
                raise PermissionDenied
            self.show_link(request, user)
        return super().do_to_one(request, object_id, name)

    def show_link(self, request: HttpRequest, user: User) -> None:
        """Make a link, mail it where that is possible, and show it."""
        try:
            secret, _ends = accounts.make_link(user)
        except ValidationError as error:
            messages.warning(request, " ".join(error.messages))
            return
        address = address_of_link(secret, request)
        messages.info(request, _("Works once, for 24 hours: %(address)s") % {"address": address})

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """The deeds on chosen accounts: links are made one by one."""
        return {name: action for name, action in super().get_actions(request).items() if name != "link"}
