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
    rehearsal,
    single,
    strip,
    transfer_detail,
    transfer_list,
    undo,
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
    path("transfer/bulk/<int:transfer_number>/", preview.preview, name="preview"),
    path(
        "transfer/bulk/<int:transfer_number>/rows/<int:number>/", preview_row.preview_row, name="preview-row"
    ),
    path(
        "transfer/bulk/<int:transfer_number>/rows/<int:number>/cleared/",
        preview_row.preview_row_cleared,
        name="preview-row-cleared",
    ),
    path(
        "transfer/bulk/<int:transfer_number>/rows/<int:number>/restored/",
        preview_row.preview_row_restored,
        name="preview-row-restored",
    ),
    path(
        "transfer/bulk/<int:transfer_number>/rows/<int:number>/check/",
        preview_row.preview_row_check,
        name="preview-row-check",
    ),
    path(
        "transfer/bulk/<int:transfer_number>/rows/<int:number>/confirmed/",
        preview_row.preview_row_confirmed,
        name="preview-row-confirmed",
    ),
    path(
        "transfer/bulk/<int:transfer_number>/problems/<slug:problem>/cleared/",
        preview_group.preview_group_cleared,
        name="preview-group-cleared",
    ),
    path(
        "transfer/bulk/<int:transfer_number>/problems/<slug:problem>/corrected/",
        preview_group.preview_group_corrected,
        name="preview-group-corrected",
    ),
    path(
        "transfer/bulk/<int:transfer_number>/rows/restored/",
        preview_group.preview_rows_restored,
        name="preview-rows-restored",
    ),
    path(
        "transfer/bulk/<int:transfer_number>/counting/",
        preview_counting.preview_counting,
        name="preview-counting",
    ),
    path(
        "transfer/bulk/<int:transfer_number>/corrections/",
        preview_corrections.preview_corrections,
        name="preview-corrections",
    ),
    path(
        "transfer/bulk/<int:transfer_number>/corrections/kept-apart/",
        preview_corrections.preview_kept_apart,
        name="preview-kept-apart",
    ),
    path("transfer/bulk/<int:transfer_number>/counts/", preview.preview_counts, name="preview-counts"),
    path(
        "transfer/bulk/<int:transfer_number>/direction/", preview.preview_direction, name="preview-direction"
    ),
    path(
        "transfer/bulk/<int:transfer_number>/discard/",
        preview_discard.preview_discard,
        name="preview-discard",
    ),
    path("transfer/bulk/<int:transfer_number>/errors.csv", downloads.preview_errors, name="preview-errors"),
    path("transfer/undo/<int:transfer_number>/", undo.undo_preview, name="undo-preview"),
    path("transfer/undo/<int:transfer_number>/counting/", undo.undo_counting, name="undo-counting"),
    path("transfer/undo/<int:transfer_number>/changed/", undo.undo_changed, name="undo-changed"),
    path("transfer/undo/<int:transfer_number>/rows/", undo.undo_rows, name="undo-rows"),
    path("transfer/undo/<int:transfer_number>/counts/", undo.undo_counts, name="undo-counts"),
    path("transfer/undo/<int:transfer_number>/discard/", undo.undo_discard, name="undo-discard"),
    path("transfers/running/", strip.running_strip, name="running-strip"),
    path("transfers/", transfer_list.transfer_list, name="transfer-list"),
    path("transfers/<int:transfer_number>/", transfer_detail.transfer_detail, name="transfer-detail"),
    path(
        "transfers/<int:transfer_number>/progress/",
        transfer_detail.transfer_progress,
        name="transfer-progress",
    ),
    path("transfers/<int:transfer_number>/stop/", transfer_detail.transfer_stop, name="transfer-stop"),
    path("transfers/<int:transfer_number>/retry/", transfer_detail.transfer_retry, name="transfer-retry"),
    path("transfers/<int:transfer_number>/undo/", undo.transfer_undo, name="transfer-undo"),
    path("transfers/<int:transfer_number>/left.csv", downloads.undo_left, name="undo-left"),
    path("transfers/<int:transfer_number>/late-arrivals/", late_arrivals.late_arrivals, name="late-arrivals"),
    path("transfers/<int:transfer_number>/errors.csv", downloads.transfer_errors, name="transfer-errors"),
    path("transfers/<int:transfer_number>/log.csv", downloads.transfer_log, name="transfer-log"),
    path(
        "transfers/<int:transfer_number>/retry.csv", downloads.transfer_retry_file, name="transfer-retry-file"
    ),
    path(
        "transfers/<int:transfer_number>/confirmation/",
        confirmation.transfer_confirmation,
        name="transfer-confirmation",
    ),
    path("transfers/<int:transfer_number>/rehearsal/", rehearsal.rehearsal, name="rehearsal"),
    path(
        "transfers/<int:transfer_number>/rehearsal/progress/",
        rehearsal.rehearsal_progress,
        name="rehearsal-progress",
    ),
    path("transfers/<int:transfer_number>/rehearsal/stop/", rehearsal.rehearsal_stop, name="rehearsal-stop"),
    path(
        "transfers/<int:transfer_number>/rehearsal/report.csv",
        downloads.rehearsal_report,
        name="rehearsal-report",
    ),
    path("audit/", audit_log.audit_log, name="audit-log"),
    path("audit/audit-log.csv", audit_log.audit_download, name="audit-download"),
    path("help/", help.help_page, name="help"),
]
