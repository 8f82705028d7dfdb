"""Addresses of signing in and of one's account. Names with ``account_`` and ``mfa_`` are django-allauth's."""

from allauth.account.views import ReauthenticateView
from allauth.mfa.base.views import ReauthenticateView as ReauthenticateByCodeView
from allauth.mfa.recovery_codes.views import (
    download_recovery_codes,
    view_recovery_codes,
)
from allauth.mfa.totp.views import activate_totp, deactivate_totp
from allauth.mfa.webauthn.views import add_webauthn, reauthenticate_webauthn
from django.urls import path
from django.views.generic import RedirectView

from huleedu.accounts import account_views, code_stage, link_views, oidc, views
from huleedu.accounts.factors import one_at_a_time
from huleedu.office import deletion_views
from huleedu.postgres.moments import apart

AGAIN = "accounts/again.html"

urlpatterns = [
    path("accounts/login/", views.SignIn.as_view(), name="login"),
    path("accounts/login/", views.SignIn.as_view(), name="account_login"),
    path("accounts/login/factor/", code_stage.ask_for_code, name="mfa_authenticate"),
    path("accounts/logout/", views.SignOut.as_view(), name="logout"),
    path("accounts/school/login/", oidc.begin, name="school-login"),
    path("accounts/school/login/", oidc.begin, name="openid_connect_login"),
    path("accounts/<str:provider_id>/login/callback/", oidc.finish, name="openid_connect_callback"),
    path("accounts/link/<str:secret>/", link_views.follow, name="password-link"),
    path("accounts/set-password/", link_views.set_password, name="set-password"),
    path("accounts/forgotten/", link_views.forgotten, name="forgotten"),
    path("account/", account_views.account, name="account"),
    path("account/delete/", deletion_views.delete, name="account-delete"),
    path("account/password/", account_views.ChangePassword.as_view(), name="password"),
    path("account/again/", ReauthenticateView.as_view(template_name=AGAIN), name="account_reauthenticate"),
    path(
        "account/again/code/",
        ReauthenticateByCodeView.as_view(template_name=AGAIN),
        name="mfa_reauthenticate",
    ),
    path("account/again/passkey/", reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    path("account/factors/", account_views.factors, name="mfa_index"),
    path("account/factors/app/", one_at_a_time(activate_totp), name="mfa_activate_totp"),
    path("account/factors/app/remove/", one_at_a_time(deactivate_totp), name="mfa_deactivate_totp"),
    path(
        "account/factors/passkeys/", RedirectView.as_view(pattern_name="mfa_index"), name="mfa_list_webauthn"
    ),
    path("account/factors/passkeys/add/", one_at_a_time(add_webauthn), name="mfa_add_webauthn"),
    path(
        "account/factors/passkeys/<int:pk>/remove/",
        one_at_a_time(account_views.RemovePasskey.as_view()),
        name="mfa_remove_webauthn",
    ),
    # These two write that the codes have been looked at.
    path("account/factors/codes/", apart(view_recovery_codes), name="mfa_view_recovery_codes"),
    path("account/factors/codes/file/", apart(download_recovery_codes), name="mfa_download_recovery_codes"),
    path(
        "account/factors/codes/anew/",
        one_at_a_time(account_views.NewCodes.as_view()),
        name="mfa_generate_recovery_codes",
    ),
]
