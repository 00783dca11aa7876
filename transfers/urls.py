"""URLs of the transfer pages, grouped by prefix. The URLs of actions are nouns and accept POST."""

from django.urls import path

from transfers.views import (
    audit_log,
    bulk,
    confirmation,
    downloads,
    help,
    home,
    late_arrivals,
    preview,
    preview_corrections,
    preview_counting,
    preview_discard,
    preview_group,
    preview_row,
    single,
    strip,
    transfer_detail,
    transfer_list,
)

app_name = "transfers"
urlpatterns = [
    path("", home.root, name="root"),
    path("transfer/", home.transfer_home, name="transfer-home"),
    path("transfer/now/", home.home_work, name="home-work"),
    path("transfer/single/", single.single, name="single"),
    path("transfer/single/users/", single.single_users, name="single-users"),
    path("transfer/bulk/", bulk.bulk, name="bulk"),
    path("transfer/bulk/people.csv", downloads.people_export, name="people-export"),
    path("transfer/bulk/<int:transfer_id>/", preview.preview, name="preview"),
    path("transfer/bulk/<int:transfer_id>/rows/<int:number>/", preview_row.preview_row, name="preview-row"),
    path(
        "transfer/bulk/<int:transfer_id>/rows/<int:number>/cleared/",
        preview_row.preview_row_cleared,
        name="preview-row-cleared",
    ),
    path(
        "transfer/bulk/<int:transfer_id>/rows/<int:number>/restored/",
        preview_row.preview_row_restored,
        name="preview-row-restored",
    ),
    path(
        "transfer/bulk/<int:transfer_id>/rows/<int:number>/check/",
        preview_row.preview_row_check,
        name="preview-row-check",
    ),
    path(
        "transfer/bulk/<int:transfer_id>/rows/<int:number>/confirmed/",
        preview_row.preview_row_confirmed,
        name="preview-row-confirmed",
    ),
    path(
        "transfer/bulk/<int:transfer_id>/problems/<slug:problem>/cleared/",
        preview_group.preview_group_cleared,
        name="preview-group-cleared",
    ),
    path(
        "transfer/bulk/<int:transfer_id>/problems/<slug:problem>/corrected/",
        preview_group.preview_group_corrected,
        name="preview-group-corrected",
    ),
    path(
        "transfer/bulk/<int:transfer_id>/rows/restored/",
        preview_group.preview_rows_restored,
        name="preview-rows-restored",
    ),
    path(
        "transfer/bulk/<int:transfer_id>/counting/",
        preview_counting.preview_counting,
        name="preview-counting",
    ),
    path(
        "transfer/bulk/<int:transfer_id>/corrections/",
        preview_corrections.preview_corrections,
        name="preview-corrections",
    ),
    path(
        "transfer/bulk/<int:transfer_id>/corrections/kept-apart/",
        preview_corrections.preview_kept_apart,
        name="preview-kept-apart",
    ),
    path("transfer/bulk/<int:transfer_id>/counts/", preview.preview_counts, name="preview-counts"),
    path("transfer/bulk/<int:transfer_id>/direction/", preview.preview_direction, name="preview-direction"),
    path("transfer/bulk/<int:transfer_id>/discard/", preview_discard.preview_discard, name="preview-discard"),
    path("transfer/bulk/<int:transfer_id>/errors.csv", downloads.preview_errors, name="preview-errors"),
    path("transfers/running/", strip.running_strip, name="running-strip"),
    path("transfers/", transfer_list.transfer_list, name="transfer-list"),
    path("transfers/<int:transfer_id>/", transfer_detail.transfer_detail, name="transfer-detail"),
    path(
        "transfers/<int:transfer_id>/progress/", transfer_detail.transfer_progress, name="transfer-progress"
    ),
    path("transfers/<int:transfer_id>/stop/", transfer_detail.transfer_stop, name="transfer-stop"),
    path("transfers/<int:transfer_id>/retry/", transfer_detail.transfer_retry, name="transfer-retry"),
    path("transfers/<int:transfer_id>/late-arrivals/", late_arrivals.late_arrivals, name="late-arrivals"),
    path("transfers/<int:transfer_id>/errors.csv", downloads.transfer_errors, name="transfer-errors"),
    path("transfers/<int:transfer_id>/log.csv", downloads.transfer_log, name="transfer-log"),
    path("transfers/<int:transfer_id>/retry.csv", downloads.transfer_retry_file, name="transfer-retry-file"),
    path(
        "transfers/<int:transfer_id>/confirmation/",
        confirmation.transfer_confirmation,
        name="transfer-confirmation",
    ),
    path("audit/", audit_log.audit_log, name="audit-log"),
    path("audit/audit-log.csv", audit_log.audit_download, name="audit-download"),
    path("help/", help.help_page, name="help"),
]
