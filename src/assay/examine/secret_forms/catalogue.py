"""All rules, in the order in which they claim a value: the specific ones first."""

from assay.examine.secret_forms.commands import COMMANDS
from assay.examine.secret_forms.logins import ACCOUNTS, DYNDNS, GENERAL
from assay.examine.secret_forms.rules import TOKENS, WEB, Rule
from assay.examine.secret_forms.settings import NETWORK

RULES: tuple[Rule, ...] = (*TOKENS, *WEB, *COMMANDS, *NETWORK, *ACCOUNTS, *DYNDNS, *GENERAL)
