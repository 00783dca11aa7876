NOT_TRANSFERRED = {
    "user_import.UserImport.made_by": "a file that waits for its confirmation, for a day at most",
}
