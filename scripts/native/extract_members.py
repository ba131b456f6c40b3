"""Extracts the members of a wheel that match a pattern: extract_members.py WHEEL FOLDER PATTERN, prints how many."""

import os
import re
import sys
import zipfile


def main() -> None:
    wheel, folder, pattern = sys.argv[1:4]
    wanted = re.compile(pattern)
    count = 0
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            if member.is_dir() or not wanted.search(member.filename):
                continue
            path = archive.extract(member, folder)  # checks the member's CRC
            mode = member.external_attr >> 16
            if mode & 0o111:  # zipfile drops the mode; ptxas must stay executable
                os.chmod(path, os.stat(path).st_mode | 0o111)
            count += 1
    print(count)


main()
