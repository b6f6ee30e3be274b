"""The command `grader`."""

from grader.command import main

main()
