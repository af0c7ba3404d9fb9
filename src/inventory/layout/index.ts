export { layoutNetwork } from './network.js';
export { type LayoutFile, parseLayout } from './read.js';
export { type LayoutMachine, renderLayout } from './render.js';
