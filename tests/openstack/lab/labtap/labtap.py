"""ML2 mechanism driver that binds every port as a plain tap device, without an agent.

Neutron 29 has no linuxbridge agent any more, and the Open vSwitch and OVN drivers need a
kernel module or daemons that a lab machine may lack.  Nova knows how to make a tap by itself
(VIF_TYPE_TAP); the lab puts taps into a bridge (tapd.sh).  The port is ACTIVE when it is bound,
so Nova waits for no network-vif-plugged event.  Security groups are kept, not enforced.
"""

from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins.ml2 import api


class LabTapMechanismDriver(api.MechanismDriver):
    """Every port of every host is a tap."""

    def initialize(self):
        """Nothing to do; the interface asks for it."""

    @property
    def connectivity(self):
        """What Neutron wants to know of a driver."""
        return portbindings.CONNECTIVITY_L2

    def bind_port(self, context):
        """Bind to the first segment that is offered."""
        for segment in context.segments_to_bind[:1]:
            context.set_binding(
                segment[api.ID],
                portbindings.VIF_TYPE_TAP,
                {portbindings.CAP_PORT_FILTER: False},
                status=constants.PORT_STATUS_ACTIVE,
            )
