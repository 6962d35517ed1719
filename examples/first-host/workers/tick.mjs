console.log(`a minute has begun: ${new Date().toISOString()}`);
