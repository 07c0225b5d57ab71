export { callerOf, clientAddress, isLoopback, type TrustedProxies, trustedProxies } from "./addresses.ts";
export { type AdminKey, type AdminKeys, type AdminScope, adminScopes, allows, parseAdminKeys } from "./admin-keys.ts";
export { type AdminKeyDraft, makeAdminKey, type NewAdminKey } from "./admin-keys-make.ts";
export { type Action, authorize } from "./authorize.ts";
export type { EffectiveAudience, EffectiveRules } from "./effective-rules.ts";
export { anonymous, type Identity } from "./identity.ts";
export { KeyedBuckets, type Rate, TokenBucket } from "./limits.ts";
export { loadRulesFile, parseRules, type Rules } from "./rules.ts";
export { createTokenVerifier, signToken, type TokenDraft, type TokenKeys, type TokenVerifier } from "./token.ts";
