"""Spreadsheets in and out. What people upload is parsed in a child process with little memory and no secrets."""
