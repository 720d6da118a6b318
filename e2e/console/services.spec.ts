// Services and their instances: pages P10 and P11. Instances are registered as clients of v1 do.
import { accessible, expect, Server, testOn, within } from "./fixture.ts";

const server = new Server();
const test = testOn(server);
const page = (name: string, part = "") => `/console/service${part}?${new URLSearchParams({ ns: "public", group: "DEFAULT_GROUP", name })}`;
/** Long enough for the whole file: nobody sends heartbeats here. */
const lasting = JSON.stringify({ zone: "east", "preserved.heart.beat.timeout": "600000", "preserved.ip.delete.timeout": "900000" });

async function register(serviceName: string, ip: string, more: Record<string, string> = {}): Promise<void> {
  const res = await fetch(`${server.url}/nacos/v1/ns/instance`, { method: "POST", body: new URLSearchParams({ serviceName, ip, port: "8080", metadata: lasting, ...more }) });
  expect(await res.text()).toBe("ok");
}

/** Returns the addresses that a client finds. */
async function found(serviceName: string): Promise<string[]> {
  const res = await fetch(`${server.url}/nacos/v1/ns/instance/list?${new URLSearchParams({ serviceName })}`);
  const { hosts } = (await res.json()) as { hosts: { ip: string }[] };
  return hosts.map((h) => h.ip).sort();
}

test("no service yet: the page says what makes one appear; then it does, without a reload", async ({ page: p }) => {
  await p.goto("/console/services");
  await expect(p.locator(".empty")).toContainText("No service is registered in this namespace");
  await accessible(p);
  await register("appears", "10.0.0.1");
  await expect(p.getByRole("link", { name: "appears" })).toBeVisible({ timeout: 8_000 });
});

test("an instance that is taken offline is not found within a second and stays so through ten registrations; undo brings it back", async ({ page: p }) => {
  await register("orders", "10.0.0.1");
  await register("orders", "10.0.0.2", { clusterName: "HZ" });
  await p.goto(page("orders"));
  await p.getByRole("button", { name: "Take offline: 10.0.0.1:8080" }).click();
  await expect.poll(() => found("orders"), { timeout: 1_000 }).toEqual(["10.0.0.2"]);
  for (let i = 0; i < 10; i++) await register("orders", "10.0.0.1");
  expect(await found("orders")).toEqual(["10.0.0.2"]);
  await expect(p.locator("main")).toContainText("offline: nacos");
  await accessible(p);
  await p.getByRole("button", { name: "Undo" }).click();
  await expect(p.getByRole("button", { name: "Take offline: 10.0.0.1:8080" })).toBeVisible();
  expect(await found("orders")).toEqual(["10.0.0.1", "10.0.0.2"]);
});

test("rows that are chosen stay so while the page is kept up to date, and are drained together", async ({ page: p }) => {
  await register("drained", "10.0.0.1");
  await register("drained", "10.0.0.2");
  await p.goto(page("drained"));
  await p.getByRole("checkbox", { name: "Select 10.0.0.1:8080" }).check();
  await p.getByRole("checkbox", { name: "Select 10.0.0.2:8080" }).check();
  await register("drained", "10.0.0.3");
  await p.waitForTimeout(1_500);
  await expect(p.locator(".bulk")).toContainText("2 selected");
  await p.getByLabel("Sink within (seconds)").fill("1");
  await p.locator(".bulk").getByRole("button", { name: "Drain" }).click();
  await expect.poll(() => found("drained"), { timeout: 5_000 }).toEqual(["10.0.0.3"]);
  await expect(p.locator("#live")).toContainText("drained");
});

test("weight and metadata are checked, applied, told why, and go back", async ({ page: p, watch }) => {
  watch.allow(/400/);
  await register("weighed", "10.0.0.1");
  await p.goto(page("weighed"));
  await p.getByRole("link", { name: "10.0.0.1:8080", exact: true }).click();
  await p.getByLabel("Weight").fill("10001");
  await p.getByRole("button", { name: "Apply" }).click();
  await expect(p.getByLabel("Weight")).toHaveAccessibleDescription(/from 0 to 10,000/);
  await accessible(p);
  await p.getByLabel("Weight").fill("0.5");
  await p.getByRole("textbox", { name: "Metadata" }).fill('{"zone": "west"}');
  await p.getByRole("button", { name: "Apply" }).click();
  await expect(p.locator(".why li").first()).toContainText("weight 0.5");
  await expect(p.locator(".metadata")).toContainText("west");
  await p.getByRole("button", { name: "Back to as registered" }).click();
  await expect(p.locator(".why li").first()).toContainText("change taken back");
  await expect(p.locator(".metadata")).toContainText("east");
});

test("without script a persistent instance is added, its service's cluster described, and both removed", async ({ browser, watch }) => within(browser, watch, server, { javaScriptEnabled: false }, async (p) => {
  await p.goto("/console/services");
  await p.getByRole("link", { name: "New service" }).click();
  await p.getByRole("textbox", { name: "Name", exact: true }).fill("by-hand");
  await p.getByLabel("Which instances it holds").selectOption("persistent");
  await p.getByRole("button", { name: "Create" }).click();
  await p.getByRole("link", { name: "Add an instance" }).click();
  await p.getByRole("textbox", { name: "Address" }).fill("10.9.0.1");
  await p.getByRole("textbox", { name: "Port" }).fill("3306");
  await p.getByRole("button", { name: "Add", exact: true }).click();
  await expect(p.locator("main")).toContainText("10.9.0.1:3306");
  await p.getByRole("link", { name: "Settings" }).click();
  await p.getByRole("link", { name: "Edit: DEFAULT" }).click();
  await p.getByLabel("Health check").selectOption("NONE");
  await p.getByRole("button", { name: "Save" }).click();
  await expect(p.locator("main")).toContainText("none: people decide");
  await p.goto(page("by-hand"));
  await p.getByRole("link", { name: "10.9.0.1:3306" }).click();
  await p.locator("#remove summary").click();
  await p.locator("#remove button").click();
  await expect(p.locator(".empty")).toContainText("No instance is registered");
  await p.locator("#delete summary").click();
  await p.locator("#delete button").click();
  await expect(p.locator("#live")).not.toContainText("by-hand");
}));

test("G S and the palette lead to services", async ({ page: p }) => {
  await register("reached", "10.0.0.1");
  await p.goto("/console/configs");
  await p.keyboard.press("g");
  await p.keyboard.press("s");
  await p.waitForURL(/\/console\/services/);
  await p.keyboard.press("Control+k");
  await p.keyboard.type("reached");
  await expect(p.getByRole("option", { name: /reached DEFAULT_GROUP/ })).toBeVisible();
  await p.keyboard.press("Enter");
  await p.waitForURL(/\/console\/service\?/);
});

test("who sends heartbeats is among the clients, with a page that leads to what it registers; who is told over UDP, too", async ({ page: p }) => {
  await register("of-a-client", "10.8.0.1");
  await register("of-a-client-too", "10.8.0.1");
  const list = await fetch(`${server.url}/nacos/v1/ns/instance/list?serviceName=of-a-client&clientIP=10.8.0.1&udpPort=50001`, { headers: { "User-Agent": "Nacos-Java-Client:v1.4.8" } });
  expect(list.status).toBe(200);
  await p.goto("/console/clients");
  await p.getByRole("searchbox").fill("10.8.0.1");
  await expect(p.locator("#live tbody tr")).toHaveCount(2);
  await expect(p.locator("#live tbody tr").filter({ hasText: "told over UDP" })).toContainText("in sync");
  await accessible(p);
  await p.getByLabel("Transport").selectOption({ label: "heartbeats over HTTP" });
  await expect(p.locator("#live tbody tr")).toHaveCount(1);
  await p.getByRole("link", { name: "10.8.0.1:8080" }).click();
  await expect(p.getByRole("heading", { name: "Registers 2" })).toBeVisible();
  await expect(p.locator("main")).toContainText("Other clients of this address");
  await accessible(p);
  await p.getByRole("link", { name: "of-a-client", exact: true }).click();
  await p.waitForURL(/\/console\/service\?.*of-a-client/);
});
