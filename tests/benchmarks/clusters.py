"""Files a second with one, two and three step clusters on the same larger installation."""

import json
import ssl
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from huleedu.clock import database_now  # noqa: F401
