"""Who takes part, in the order of the table."""

from .direct import Direct
from .envoy import Envoy
from .haproxy import Haproxy
from .nginx import Nginx, NginxSame
from .pingora import Pingora
from .relay import Relay
from .tollgate import Tollgate, TollgateLogged, TollgateTelling

CONTESTANTS = [Tollgate, Nginx, Haproxy, Envoy, Pingora, Relay, Direct]
# They take part in the first row of a whole run.
VARIANTS = [TollgateLogged, TollgateTelling, NginxSame]
