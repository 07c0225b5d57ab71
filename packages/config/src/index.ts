export { flagsOf, settingsHelp, settingsOf } from "./help.ts";
export { type LoadOptions, loadSettings } from "./load.ts";
export { printableSettings } from "./printable.ts";
export type { SettingKey, Settings, SettingUser } from "./settings.ts";
export { readSettingsFile, type SettingsFile, settingsFileName } from "./settings-file.ts";
export { wrapped } from "./wrapped.ts";
