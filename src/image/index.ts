export { type BuildOptions, type BuiltTree, buildTree } from './build.js';
export { type Element, elementsPath, type ResolveOptions, resolveElements } from './elements.js';
export { hostArchitecture } from './environment.js';
export type { ImageEvent } from './events.js';
export { type IdentityInputs, imageIdentity } from './identity.js';
export { type PackageInstalls, squashPackageInstalls } from './package-installs.js';
