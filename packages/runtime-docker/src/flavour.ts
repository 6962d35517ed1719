/** Which of the two engines a driver speaks to: they share one API and differ in its corners. */
export type Flavour = 'docker' | 'podman';

export const engineNames: Readonly<Record<Flavour, string>> = { docker: 'Docker', podman: 'Podman' };
