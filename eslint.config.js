// Biome formats and lints; ESLint adds only what needs types: promises that nobody awaits, and RxJS misuse.
import rxjsX from 'eslint-plugin-rxjs-x';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist/**', '**/dist/**', 'node_modules/**', '**/*.js', '**/*.mjs'] },
  {
    files: ['src/**/*.ts', 'test/**/*.ts', 'demo-client/**/*.{ts,tsx}'],
    extends: [tseslint.configs.base],
    plugins: { 'rxjs-x': rxjsX },
    languageOptions: {
      parserOptions: {
        project: ['./tsconfig.test.json', './demo-client/tsconfig.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      'rxjs-x/no-async-subscribe': 'error',
      'rxjs-x/no-ignored-subscription': 'off',
      'rxjs-x/no-nested-subscribe': 'error',
      'rxjs-x/no-sharereplay': ['error', { allowConfig: true }],
      'rxjs-x/no-unsafe-takeuntil': 'error',
      'rxjs-x/no-exposed-subjects': 'error',
      'rxjs-x/no-internal': 'error',
      'rxjs-x/finnish': [
        'error',
        { functions: false, methods: false, parameters: true, properties: true, variables: true, strict: false },
      ],
    },
  },
);
