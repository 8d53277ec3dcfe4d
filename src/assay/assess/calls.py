"""Call sites by class of function: the form of the oversight reports' table."""

from collections import Counter
from collections.abc import Mapping

from assay.model.evaluation import CallTable, FamilyCalls, FunctionCalls
from assay.model.functions import Family, FunctionClass, Safety
from assay.model.observations import Calls


def call_table(calls: Calls, classes: Mapping[str, FunctionClass]) -> CallTable:
    """Count one executable's call sites by family and safety."""
    functions = tuple(
        FunctionCalls(
            name=called.name,
            family=classes[called.name].family,
            safety=classes[called.name].safety,
            sites=called.sites,
            offsets=called.offsets,
        )
        for called in calls.functions
        if called.name in classes
    )
    counts: Counter[tuple[Family, Safety]] = Counter()
    for function in functions:
        counts[function.family, function.safety] += function.sites
    return CallTable(
        memcpy_like=_family(counts, Family.MEMCPY),
        strcpy_like=_family(counts, Family.STRCPY),
        sprintf_like=_family(counts, Family.SPRINTF),
        banned=sum(sites for (family, _), sites in counts.items() if family is Family.BANNED),
        functions=functions,
    )


def _family(counts: Mapping[tuple[Family, Safety], int], family: Family) -> FamilyCalls:
    return FamilyCalls(
        safe=counts.get((family, Safety.SAFE), 0),
        bounded=counts.get((family, Safety.BOUNDED), 0),
        unsafe=counts.get((family, Safety.UNSAFE), 0),
    )
