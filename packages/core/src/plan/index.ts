export { type Desired, makePlan, type Present, removesMuch, type Step } from './plan.ts';
