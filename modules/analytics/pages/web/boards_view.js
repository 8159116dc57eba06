export async function boardsView() { return []; }
export async function boardView() { return []; }
