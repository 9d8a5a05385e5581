// The build is committed and compared byte by byte (`cargo xtask ui --check`), so its file names are fixed.
import { readFileSync } from 'node:fs';
import { defineConfig } from 'vite';
import solid from 'vite-plugin-solid';

const solidVersion = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')).dependencies['solid-js'];

const SERVER = 'http://127.0.0.1:3155';

export default defineConfig({
  base: './',
  plugins: [solid()],
  build: {
    target: 'es2022',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    modulePreload: false,
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rollupOptions: {
      output: {
        banner: `/*! Contains solid-js ${solidVersion}, MIT, Copyright (c) 2016-2025 Ryan Carniato */`,
        entryFileNames: 'assets/index.js',
        chunkFileNames: 'assets/[name].js',
        assetFileNames: 'assets/index[extname]',
      },
    },
  },
  // `npm run dev`, beside `parallax serve`; the server answers only what seems to come from its own page.
  server: { proxy: { '/api': { target: SERVER, changeOrigin: true, ws: true, headers: { origin: SERVER } } } },
});
