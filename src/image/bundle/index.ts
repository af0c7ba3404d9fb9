export { type BundleOptions, buildFromBundle, bundleImage, type WrittenBundle } from './bundle.js';
