export { type LayerChain, type Miss, openChain } from './chain.js';
export {
  alwaysCounted,
  type InputContext,
  inputReasons,
  type LayerChange,
  type LayerInput,
  type Step,
} from './inputs.js';
export { openOverlay } from './overlay.js';
export { type KeptLayer, type LayerStore, openLayers, type PrunedLayers, pruneLayers } from './store.js';
