"""All addresses."""

from django.contrib import admin
from django.urls import include, path

from huleedu.accounts import views
from huleedu.accounts.account_views import ChangePassword
from huleedu.office.desk import desk
from huleedu.watching import monitoring
from huleedu.watching.well_page import well_page

urlpatterns = [
    path("healthz", monitoring.healthz, name="healthz"),
    path("readyz", monitoring.readyz, name="readyz"),
    path("metrics", monitoring.metrics, name="metrics"),
    path("admin/password_change/", admin.site.admin_view(ChangePassword.as_view())),
    path("admin/login/", views.AdminSignIn.as_view()),
    path("admin/logout/", views.SignOut.as_view()),
    path("admin/well/", admin.site.admin_view(well_page), name="well"),
    path("admin/", admin.site.admin_view(desk), name="support-desk"),
    path("admin/", admin.site.urls),
    path("v1/", include("huleedu.urls_api")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("huleedu.urls_account")),
    path("help/", views.help_page, name="help"),
    path("", include("batches.urls")),
    path("", include("files.urls")),
    path("", include("essays.urls")),
    path("", include("results.urls")),
]

handler400 = "huleedu.accounts.views.bad_request"
handler403 = "huleedu.accounts.views.forbidden"
handler404 = "huleedu.accounts.views.not_found"
handler500 = "huleedu.accounts.views.server_error"
