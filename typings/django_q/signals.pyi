from django.dispatch import Signal

post_spawn: Signal
