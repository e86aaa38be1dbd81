"""What a lowered call raises where the operators cannot say what a layer computes."""


class Unsaid(Exception):
    """A layer is not what any operator computes: its own call is to be traced.

    Args:
        name: What there is no operator for, as the report counts it.
    """

    def __init__(self, name):
        super().__init__(name)
        self.name = name
