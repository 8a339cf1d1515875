// Vendure as a peer: `node vendure.js populate` writes its tables and as many products as ours into an empty database,
// `node vendure.js serve` answers. Everything it needs to know is in the environment.
'use strict';
const fs = require('node:fs');
const {
    bootstrap, DefaultLogger, DefaultSearchPlugin, dummyPaymentHandler, JobQueueService, LanguageCode, LogLevel,
} = require('@vendure/core');
const { populate } = require('@vendure/core/cli');

const port = Number(process.env.PORT);
const populates = process.argv[2] === 'populate';
const admin = { identifier: 'admin', password: 'only-for-benchmarks' };
const config = {
    logger: new DefaultLogger({ level: LogLevel.Warn }),
    apiOptions: { hostname: '127.0.0.1', port, cors: false },
    authOptions: { tokenMethod: 'bearer', superadminCredentials: admin },
    dbConnectionOptions: {
        type: 'postgres', url: process.env.DATABASE_URL, synchronize: populates, logging: false, poolSize: 20,
    },
    paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
    plugins: [DefaultSearchPlugin],
};
const settled = { code: dummyPaymentHandler.code, arguments: [{ name: 'automaticSettle', value: 'true' }] };
const initial = {
    defaultLanguage: LanguageCode.en,
    defaultZone: 'Europe',
    countries: [{ name: 'Germany', code: 'DE', zone: 'Europe' }],
    taxRates: [{ name: 'Standard', percentage: 19 }],
    shippingMethods: [{ name: 'Post', price: 0 }],
    paymentMethods: [{ name: 'dummy', handler: settled }],
    collections: [],
};

async function ask(path, query, token) {
    const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
    const answer = await fetch(`http://127.0.0.1:${port}/${path}`, { method: 'POST', headers, body: JSON.stringify({ query }) });
    return { said: await answer.json(), token: answer.headers.get('vendure-auth-token') };
}

/** Products as a file that Vendure imports: name, text and price of the ones that our shop shows first. */
function csv(products) {
    const quoted = (value) => `"${String(value).replaceAll('"', '""')}"`;
    const rows = products.map(({ name, sku, description, price }) => [
        `${name} ${sku}`, sku.toLowerCase(), description, '', '', '', '', sku, price.minor / 100, 'standard', 1000000, 'true', '', '',
    ]);
    const head = 'name,slug,description,assets,facets,optionGroups,optionValues,sku,price,taxCategory,stockOnHand,trackInventory,variantAssets,variantFacets';
    return [head, ...rows.map((row) => row.map(quoted).join(','))].join('\n');
}

async function fill() {
    const products = JSON.parse(fs.readFileSync(0, 'utf8'));
    const file = `${process.env.FOLDER}/products.csv`;
    fs.writeFileSync(file, csv(products));
    const app = await populate(() => bootstrap(config), initial, file);
    await app.get(JobQueueService).start();
    const { token } = await ask('admin-api', `mutation { login(username: "${admin.identifier}", password: "${admin.password}") { __typename } }`);
    await ask('admin-api', 'mutation { reindex { id } }', token);
    for (let left = 600; left > 0; left -= 1) {
        const { said } = await ask('shop-api', '{ search(input: {take: 1}) { totalItems } }');
        if (said.data.search.totalItems >= products.length) {
            await app.close();
            return;
        }
        await new Promise((next) => setTimeout(next, 100));
    }
    throw new Error('the search index is not filled within a minute');
}

async function serve() {
    const app = await bootstrap(config);
    await app.get(JobQueueService).start();
    process.stdout.write('ready\n');
}

(populates ? fill() : serve()).then(() => populates && process.exit(0)).catch((error) => {
    process.stderr.write(`${error.stack ?? error}\n`);
    process.exit(1);
});
