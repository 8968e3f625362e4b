"""What no single value can tell: rules between keys and between tables. Each rule is a generator of findings."""

from __future__ import annotations

from collections.abc import Iterator

from broker.config.problems import Problem
from broker.config.root import Config
from broker.config.rules import access, attributes, clients, files, pools, providers, roles, service
from broker.config.rules.finding import Finding, PoolAt

SERVICE_RULES = (
    service.tls_is_a_pair,
    files.tls_key_fits,
    files.audit_file_has_a_folder,
    service.console_has_its_own_host,
    service.proxy_of_a_socket_is_trusted,
    service.access_keys_differ,
    pools.pools_differ,
    pools.clients_differ,
    access.access_names_differ,
    access.documents_are_one,
    access.identity_pools_fit,
    roles.issuers_have_arns,
    roles.roles_can_be_handed_out,
    roles.tags_are_possible,
    roles.providers_are_told_apart,
    roles.users_do_not_choose_their_role,
    access.sts_is_complete,
    access.protected_services_fit,
)
POOL_RULES = (
    pools.names_inside_differ,
    pools.hooks_exist,
    attributes.schema_is_possible,
    clients.redirects_fit,
    clients.scopes_exist,
    clients.flows_go_together,
    clients.authentication_is_possible,
    clients.lifetimes_are_in_range,
    clients.public_clients_rotate,
    clients.providers_exist,
    clients.attributes_exist,
    providers.names_are_allowed,
    providers.identifiers_lead_to_one,
    providers.linking_has_domains,
    providers.metadata_is_one,
    providers.options_fit_the_kind,
    attributes.mapping_fits_the_schema,
    attributes.clients_may_write_what_is_mapped,
    attributes.custom_attributes_reach_somebody,
)


def check(config: Config, file: str) -> tuple[list[Problem], list[Problem]]:
    """Errors and warnings, those of one table together."""
    errors: list[Problem] = []
    warnings: list[Problem] = []
    found_in: dict[str, list[Finding]] = {}
    for found in findings(config):
        found_in.setdefault(found.table, []).append(found)
    for found in (each for group in found_in.values() for each in group):
        problem = Problem(file, found.table, found.key, found.what, found.remedy)
        (warnings if found.warning else errors).append(problem)
    return errors, warnings


def findings(config: Config) -> Iterator[Finding]:
    """What every rule says, the service first and then pool by pool."""
    for rule in SERVICE_RULES:
        yield from rule(config)
    for position, pool in enumerate(config.user_pool):
        for pool_rule in POOL_RULES:
            yield from pool_rule(PoolAt(pool, position))
