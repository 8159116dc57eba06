export async function riskView() { return []; }
