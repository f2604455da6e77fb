// What any HTTP server has; nothing here is about flags.

import { createServer } from 'node:http';

// serve answers every request with the JSON of what answer gives, on PORT (any free one by default), and prints where.
export function serve(name, answer) {
  const server = createServer(async (request, response) => {
    try {
      const body = await answer(request, new URL(request.url, 'http://localhost').searchParams);
      response.setHeader('Content-Type', 'application/json').end(JSON.stringify(body));
    } catch (error) {
      console.error(`${name}:`, error);
      response.writeHead(500).end();
    }
  });
  server.listen(process.env.PORT ?? 0, '127.0.0.1', () => console.log(`${name} http://127.0.0.1:${server.address().port}`));
}
