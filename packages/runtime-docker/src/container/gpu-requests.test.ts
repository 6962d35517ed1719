import { expect, test } from 'vitest';
import { gpuRequests } from './gpu-requests.ts';

const gpu = (given: object) => ({ count: null, ids: [], memoryBytes: null, exclusive: false, ...given });

test('what admission chose goes before what the worker names, that before a count; Podman gets names of CDI', () => {
  expect(gpuRequests(gpu({ ids: ['GPU-a'] }), ['GPU-b'], 'docker')).toEqual([{ Driver: '', DeviceIDs: ['GPU-b'], Capabilities: [['gpu']] }]);
  expect(gpuRequests(gpu({ ids: ['GPU-a'] }), [], 'docker')).toEqual([{ Driver: '', DeviceIDs: ['GPU-a'], Capabilities: [['gpu']] }]);
  expect(gpuRequests(gpu({ count: 2 }), [], 'docker')).toEqual([{ Driver: '', Count: 2, Capabilities: [['gpu']] }]);
  expect(gpuRequests(gpu({ count: 'all' }), [], 'docker')).toEqual([{ Driver: '', Count: -1, Capabilities: [['gpu']] }]);
  expect(gpuRequests(gpu({ ids: ['GPU-a'] }), [], 'podman')).toEqual([{ Driver: 'cdi', DeviceIDs: ['nvidia.com/gpu=GPU-a'] }]);
  expect(gpuRequests(gpu({ count: 2 }), [], 'podman')).toEqual([{ Driver: 'cdi', DeviceIDs: ['nvidia.com/gpu=0', 'nvidia.com/gpu=1'] }]);
  expect(gpuRequests(gpu({ count: 'all' }), [], 'podman')).toEqual([{ Driver: 'cdi', DeviceIDs: ['nvidia.com/gpu=all'] }]);
});
