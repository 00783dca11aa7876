NOT_TRANSFERRED = {
    "user_import.UserImport.made_by": "an uploaded file that is not confirmed yet, kept for a day at most",
}
