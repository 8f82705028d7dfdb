"""``manage.py create_bucket``: make the bucket of the content store, unless it is there."""

from typing import Any

from botocore.exceptions import ClientError
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand, CommandError

from files.store import STORE_ERRORS

PLAIN_REGION = "us-east-1"  # S3 refuses to be told this one
MISSING = {"404", "NoSuchBucket"}


class Command(BaseCommand):
    """Makes the bucket once; repeating it changes nothing."""

    help = (
        "Make the S3 bucket named in HULEEDU_S3_BUCKET, unless it is there. Only for essays that are kept in "
        "S3 and not in a folder."
    )
    requires_system_checks: list[Any] = []

    def handle(self, **_options: object) -> None:
        name = settings.S3_BUCKET
        if not name:
            raise CommandError("HULEEDU_S3_BUCKET is not set, so content is kept in a folder.")
        try:
            made = make(default_storage, name)
        except STORE_ERRORS as error:
            raise CommandError(
                f"The store did not make the bucket {name!r}. Check HULEEDU_S3_ENDPOINT, AWS_ACCESS_KEY_ID, "
                f"AWS_SECRET_ACCESS_KEY and AWS_DEFAULT_REGION ({error})"
            ) from error
        self.stdout.write(f"The bucket {name} {'is made' if made else 'is there already'}.")


def make(storage: Any, name: str) -> bool:
    """Make the bucket; False when it was there. Raises what the store's client raises."""
    client = storage.connection.meta.client
    made = make_missing(client, name)
    client.list_objects_v2(Bucket=name, MaxKeys=1)  # the others' answers have nothing that only a store says
    return made


def make_missing(client: Any, name: str) -> bool:
    """Make the bucket unless the store says that it is there; whether it did."""
    try:
        client.head_bucket(Bucket=name)
    except ClientError as error:
        if error.response["Error"]["Code"] not in MISSING:
            raise
    else:
        return False
    region = client.meta.region_name
    place = {} if region in {None, PLAIN_REGION, "aws-global"} else {"LocationConstraint": region}
    client.create_bucket(Bucket=name, **({"CreateBucketConfiguration": place} if place else {}))
    return True
