"""Contracts for import-linter: which modules a package may import, and no import cycles.

The contracts of import-linter itself need a complete list of forbidden modules, which would miss
new files.
"""

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class RoomContract(Contract):
    """Modules of `rooms` import, from the root packages, only their own room and `may_know`.

    `forbidden` must never be imported.
    """

    rooms = fields.SetField(subfield=fields.ModuleField())
    may_know = fields.SetField(subfield=fields.ModuleField(), required=False, default=set())
    forbidden = fields.SetField(subfield=fields.ModuleField(), required=False, default=set())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Check every import that leaves a room."""
        roots = set(self.session_options["root_packages"])
        broken: list[str] = []
        for room in (module.name for module in self.rooms):
            allowed = {room, *(module.name for module in self.may_know)}
            for importer in sorted({room} | graph.find_descendants(room)):
                for imported in sorted(graph.find_modules_directly_imported_by(importer)):
                    is_internal = imported.partition(".")[0] in roots
                    is_forbidden = is_within(imported, {module.name for module in self.forbidden})
                    if is_forbidden or (is_internal and not is_within(imported, allowed)):
                        output.verbose_print(verbose, f"{importer} knows {imported}")
                        broken.append(f"{importer} imports {imported}")
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print the forbidden imports."""
        for line in check.metadata["broken"]:
            output.print_error(line)
        output.new_line()


def is_within(module: str, packages: set[str]) -> bool:
    """Return whether a module is one of the packages or in one of them."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)


class NoCirclesContract(Contract):
    """No import cycles among the modules of `packages`, imports for type checking included."""

    packages = fields.SetField(subfield=fields.ModuleField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Check whether a chain of imports leads back to the importing module."""
        circles: set[tuple[str, ...]] = set()
        for package in (module.name for module in self.packages):
            for importer in sorted({package} | graph.find_descendants(package)):
                for imported in sorted(graph.find_modules_directly_imported_by(importer)):
                    if not is_within(imported, {package}):
                        continue
                    back = graph.find_shortest_chain(imported, importer)
                    if back is not None:
                        output.verbose_print(verbose, f"{importer} and {imported} know each other")
                        first = back.index(min(back))
                        circles.add((*back[first:], *back[:first]))
        return ContractCheck(kept=not circles, metadata={"circles": sorted(circles)})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print each cycle once."""
        for circle in check.metadata["circles"]:
            output.print_error(" -> ".join([*circle, circle[0]]))
        output.new_line()
