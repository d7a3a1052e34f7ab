from scipy.stats import norm as _sp
from ...numpy.wrap import wrap_namespace
from ..find import finder
wrap_namespace(_sp, globals(), finder("stats.norm"))
