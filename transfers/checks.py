"""Start-up checks of the data types. (More of them stand beside the rules they guard.)"""
