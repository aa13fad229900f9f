#!/usr/bin/env node
import { fileURLToPath } from 'node:url';
import { runtimeIsReady } from './runtime.mjs';

if (runtimeIsReady(fileURLToPath(import.meta.url))) await import('../src/cli.ts');
