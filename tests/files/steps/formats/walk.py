"""One file through an installation: prints, as JSON, what clients and people are told of it.

Arguments: the file, the format's name. The installation is that of ``DATABASE_URL``.
"""

import json
import sys
from pathlib import Path

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402

from tests.api import body_of, client_of, register, some_file, upload  # noqa: E402
from tests.pipeline import Pipeline  # noqa: E402


def main(path: Path, name: str) -> None:
    """Upload, read, filter, show."""
    setup_test_environment()
    teacher = User.objects.create_user("walker")
    api, pages = client_of(teacher), Client()
    pages.force_login(teacher)
    batch = register(api, 1)["batch_id"]
    sent = upload(api, batch, some_file(path.read_bytes(), path.name))
    Pipeline().run()
    record = body_of(api.get(f"/v1/files/{body_of(sent)['files'][0]['file_upload_id']}"))
    text = api.get(f"/v1/content/{record['text_storage_id']}")
    told = {
        "status": record["status"],
        "format": record["format"],
        "text": b"".join(text).decode(),
        "counted": body_of(api.get(f"/v1/batches/{batch}/analytics"))["formats"],
        "schema": api.get("/v1/schema/", headers={"accept": "application/json"}).content.decode(),
        "results": pages.get(f"/batches/{batch}/results/?format={name}").content.decode(),
        "page": pages.get(f"/batches/{batch}/").content.decode(),
        "filtered": {
            each: [
                row["filename"]
                for row in body_of(api.get(f"/v1/batches/{batch}/results?format={each}"))["essays"]
            ]
            for each in (name, "txt")
        },
    }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
