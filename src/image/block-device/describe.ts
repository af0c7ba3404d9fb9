import type { Json } from '../../base/events.js';
import type { BlockDeviceGraph } from './graph.js';

/** A graph as `image block-device --json` prints it. */
export interface GraphDescription {
  nodes: { [setting: string]: Json }[];
  edges: [from: string, to: string][];
  /** Names, in the order in which they are made. */
  order: string[];
}

export function describeGraph({ nodes, edges, order }: BlockDeviceGraph): GraphDescription {
  return {
    nodes: nodes.map((node) => JSON.parse(JSON.stringify(node))),
    edges,
    order: order.map(({ name }) => name),
  };
}
