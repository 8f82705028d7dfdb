from django_q.queues import Queue as Queue
