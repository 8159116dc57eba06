export async function afterClass() { return []; }
