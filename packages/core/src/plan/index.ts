export { type Desired, makePlan, type Present, type PresentGeneration, removesMuch, type Step } from './plan.ts';
