from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("security/", views.security, name="security"),
    path("security/sessions/", views.sign_out_elsewhere, name="sign-out-elsewhere"),
]
